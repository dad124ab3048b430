"""Figures that a bench keeps in a file, so that a run that was cut short goes on where it was."""

import json
import threading


class Kept:
    """Figures by name, in memory and, where there is a path, in a JSON file; from any thread."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.figures = json.loads(path.read_text()) if path and path.exists() else {}

    def get(self, name, make):
        """The figure of a name; made and kept where there is none."""
        if name not in self.figures:
            figure = make()
            with self.lock:
                self.figures[name] = figure
                if self.path:
                    new = self.path.with_suffix(".new")
                    new.write_text(json.dumps(self.figures, indent=1))
                    new.replace(self.path)
        return self.figures[name]
