"""The door: opens the studio. `demo` is the page, for Gradio and for a Hugging Face Space."""

import sys

from pipelines.work import FilmError
from studio.serve import opened, serve

try:
    house = opened()
    demo = house.demo
except FilmError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    try:
        sys.exit(serve(house))
    except FilmError as error:
        sys.exit(str(error))
