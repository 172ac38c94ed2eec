"""Exact conversion factors, nothing else.

Every factor is exact by definition (SI, BIPM brochure 9th ed.; international
avoirdupois pound and US dollar amounts need none).
"""

JOULE_PER_KWH = 3.6e6
W_PER_KW = 1e3
SECONDS_PER_MINUTE = 60.0
SECONDS_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0
HOURS_PER_YEAR = 8766.0  # Julian year of 365.25 days
G_PER_KG = 1e3
KG_PER_T = 1e3
BYTE_PER_GIB = 2.0**30
FLOP_PER_PF_DAY = 8.64e19  # 1e15 FLOP/s for a day
