# Python runs this at its start because its folder is in PYTHONPATH. Some libraries bring a list of roots of their own and read
# no variable; here every list that is loaded gets the certificate of this run added. That certificate is good for the hosts of
# the run only, and gone after it.
import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_AUTHORITY = os.path.join(os.path.dirname(_HERE), "authority.pem")


def _extend(ssl):
    load = ssl.SSLContext.load_verify_locations

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        load(self, cafile, capath, cadata)
        if os.path.exists(_AUTHORITY):
            load(self, _AUTHORITY)

    ssl.SSLContext.load_verify_locations = load_verify_locations


class _WhenLoaded:
    # Waits for the import of ssl rather than causing it: gevent wants to come first.
    def find_spec(self, name, path=None, target=None):
        if name != "ssl":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            _extend(module)

        spec.loader.exec_module = exec_module
        return spec


def _chain():
    # Whoever else customises this Python still does.
    others = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if "ssl" in sys.modules:
    _extend(sys.modules["ssl"])
else:
    sys.meta_path.insert(0, _WhenLoaded())
_chain()
