#!/usr/bin/env bash
# GnuTLS as a client that says one line and reads on. Arguments: host port, then those of gnutls-cli.
# Identities are URIs here: the name that is verified is a host's, so the path alone is judged.
host=$1 port=$2
shift 2
exec gnutls-cli --port="$port" --sni-hostname=service.example --verify-hostname=service.example "$@" "$host" \
  < <(echo hello; sleep 5)
