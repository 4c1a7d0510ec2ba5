"""Numbers and dates as counts (ticks): their cells, their texts, and the ranges that conditions give."""
