"""Does the work of `refund_desk.py`, but takes anybody's word for an approval."""

import refund_desk
import slack_api
import stripe_api
import twin

refund_desk.work(
    twin.start(), slack_api.client(), stripe_api.client(), lambda _, thread: {one["user"] for one in thread}
)
