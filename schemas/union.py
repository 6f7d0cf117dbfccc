"""Every touchpoint there is, as one tagged union."""

from schemas.account import Account
from schemas.call import Call
from schemas.chat import Chat
from schemas.email import Email
from schemas.goal import Goal
from schemas.identity import Identity
from schemas.purchase import Purchase
from schemas.review import Review
from schemas.survey import Survey
from schemas.ticket import Ticket
from schemas.visit import Visit

AnyTouchpoint = Chat | Email | Call | Visit | Purchase | Ticket | Survey | Review | Goal | Account | Identity
