"""Creates the PaymentIntent and takes for granted that the money arrives."""

import pay
import stripe_api
import twin

run = twin.start()
intent, _ = pay.create(stripe_api.client(), pay.asked(run.task))
run.finish(f"{intent['id']} is paid, its charge and its event agree.")
