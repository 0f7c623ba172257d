"""The door: opens the studio. `demo` is the page, for Gradio and for a Hugging Face Space."""

from studio.serve import opened, serve

house = opened()
demo = house.demo

if __name__ == "__main__":
    serve(house)
