# A small image for `skaha-apply run` (docs/controller.md): a user of its own, git for --pull, no credentials in any layer.
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/skaha-apply && /opt/skaha-apply/bin/pip install --no-cache-dir "/source[metrics]"

FROM python:3.12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home survey
COPY --from=build /opt/skaha-apply /opt/skaha-apply
ENV PATH=/opt/skaha-apply/bin:$PATH
USER survey
WORKDIR /work
ENTRYPOINT ["skaha-apply"]
CMD ["run"]
