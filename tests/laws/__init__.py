"""Laws that hold for any events: the core against naive computations over plain lists."""
