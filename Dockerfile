# Serves exported models over HTTP: docs/serving.md says how to build and run it.

FROM python:3.11-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1
COPY constraints.txt /build/
COPY --from=build /wheels /build/
# What serving imports, and no more: without --no-deps segwright would bring PyTorch, which only training and export need.
RUN pip install --no-cache-dir --constraint /build/constraints.txt \
        fastapi \
        fastapi-offline \
        numpy \
        onnxruntime \
        opencv-python-headless \
        openvino \
        pillow \
        prometheus-client \
        psutil \
        pydantic \
        python-multipart \
        pyyaml \
        rich \
        typing-extensions \
        uvicorn \
    && pip install --no-cache-dir --no-deps /build/*.whl \
    && rm -r /build \
    && useradd --uid 10001 --no-create-home segwright

USER 10001
EXPOSE 8866
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8866/health/ready', timeout=4)"]
ENTRYPOINT ["segwright", "serve", "--host", "0.0.0.0"]
CMD ["model=/models"]
