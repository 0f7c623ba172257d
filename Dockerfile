# docker build -t reelwright .                      for any computer
# docker build -t reelwright --build-arg EXTRAS=[gpu] .   with models for an NVIDIA GPU
# docker run -p 7860:7860 -v reelwright:/data reelwright     (add --gpus all for a GPU)
FROM python:3.12-slim
ARG EXTRAS=""
# What models are compiled with for a GPU needs a C compiler.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libgomp1 $(case "$EXTRAS" in *gpu*) echo gcc libc6-dev ;; esac) && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home studio && mkdir /data && chown studio /data
WORKDIR /app
COPY . .
RUN pip install --no-cache-dir --editable ".${EXTRAS}"
USER studio
ENV REELWRIGHT_DATA=/data
EXPOSE 7860
VOLUME /data
# Everybody who reaches the port may use it; without --anybody a key is needed (reelwright keys add NAME).
CMD ["reelwright", "serve", "--host", "0.0.0.0", "--anybody"]
