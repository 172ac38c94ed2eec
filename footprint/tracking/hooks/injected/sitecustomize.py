"""Put first on the child's PYTHONPATH by ``footprint run``: tells footprint of the first optimiser step.

It runs in every Python below the program, of any version, so it needs the standard library alone and does
nothing that the program could see before torch's first optimiser step: the folder leaves ``sys.path``, a
``sitecustomize`` that would have run without this one runs, and torch is waited for, never imported.
"""
# mypy: ignore-errors

import os
import sys

PACKAGE = "FOOTPRINT_HOOKS"
"""The variable that holds the folder of the footprint that supervises."""


def _leave_path():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [part for part in sys.path if part != here]


def _run_the_next():
    """Run the sitecustomize that this one stands before, if there is one."""
    own = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)  # the import of this one ends by looking for it


class _Waiting:
    """Stands among the finders until torch is imported, and finds nothing itself."""

    def find_spec(self, name, path=None, target=None):
        if name != "torch" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        try:
            from importlib.util import find_spec

            spec = find_spec(name)
            load = spec.loader.exec_module

            def exec_module(module):
                del spec.loader.exec_module  # the loader's own again
                load(module)
                _wait_for_a_step()

            spec.loader.exec_module = exec_module
        except Exception:
            return None
        return spec


def _wait_for_a_step():
    try:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        handles = []

        def first(optimizer, arguments, keywords):
            if handles:
                handles.pop().remove()
                _hand_over(optimizer)

        handles.append(register_optimizer_step_post_hook(first))
    except Exception:
        return  # a torch without such hooks: nothing is counted


def _hand_over(optimizer):
    try:
        package = os.environ.get(PACKAGE, "")
        if _may_import(package):
            from footprint.tracking.hooks.program import begin

            begin(optimizer)
    except Exception as error:
        _complain("%s: %s" % (type(error).__name__, error))


def _may_import(package):
    """Whether ``footprint`` is the supervisor's here, or can be made so without a change for the program."""
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    found = find_spec("footprint")
    if found is not None:
        held = os.path.join(os.path.dirname(found.origin or ""), "tracking", "hooks", "program.py")
        if not os.path.isfile(held):
            _complain("another package named footprint is in the program's way")
            return False
        return True
    if sys.version_info < (3, 11):
        _complain("the program's Python is older than 3.11")
        return False
    spec = spec_from_file_location(
        "footprint", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    sys.modules["footprint"] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules["footprint"])
    return True


def _complain(text):
    """Leave a line beside the journals, which the supervisor reads at its end."""
    try:
        folder = os.environ["FOOTPRINT_PARENT_DIR"]
        run = os.environ["FOOTPRINT_PARENT_RUN"].split(":", 1)[1]
        with open(os.path.join(folder, run, "hooks.txt"), "x", encoding="utf-8", errors="replace") as file:
            file.write(text[:300])
    except Exception:
        return


try:
    _leave_path()
    if os.environ.get(PACKAGE):
        sys.meta_path.insert(0, _Waiting())
finally:
    _run_the_next()  # what it raises is told by Python's own start, as it would be without us
