# The sandbox in a container: docker build -f examples/sandbox.Dockerfile -t lemlist-sandbox .
# docker run --rm -p 8765:8765 lemlist-sandbox --demo
FROM python:3.13-slim

COPY . /src
RUN pip install --no-cache-dir '/src[cli,sandbox]' && rm -rf /src

# a container has its own user and no way into the host's files
RUN useradd --create-home --uid 10001 sandbox && mkdir /ca && chown sandbox /ca
USER sandbox
WORKDIR /home/sandbox

EXPOSE 8765 8766
HEALTHCHECK --interval=5s --timeout=2s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/_sandbox/clock', timeout=1)"]

ENTRYPOINT ["lemlist-async", "sandbox", "--host", "0.0.0.0", "--port", "8765"]
CMD []
