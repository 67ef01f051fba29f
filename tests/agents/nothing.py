"""Makes no call at all and still says that all is well."""

import twin

run = twin.start()
run.finish("All done.")
