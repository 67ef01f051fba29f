"""Does the work of `double_charge.py`, and refunds both charges to be on the safe side."""

import double_charge
import twin

double_charge.work(twin.start(), lambda charges: charges)
