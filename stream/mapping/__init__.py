"""Declarative mappings from what a source system sends to canonical touchpoints. Pure; see ``docs/mappings.md``.

``parse(text, origin)`` checks a mapping, ``SourceMapping.outcomes(lines)`` applies it.
"""

from stream.mapping.mapper import Mapper, RowOutcome, SourceMapping
from stream.mapping.parse import parse
from stream.mapping.problems import MappingError, RowProblem
from stream.mapping.row import Row

__all__ = ["Mapper", "MappingError", "Row", "RowOutcome", "RowProblem", "SourceMapping", "parse"]
