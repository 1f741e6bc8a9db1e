#!/usr/bin/env bash
# NSS as a client. Arguments: scratch host port leaf key roots.
set -euo pipefail
store="$1/nss-client"; host=$2 port=$3 leaf=$4 key=$5 roots=$6
source "$(dirname "${BASH_SOURCE[0]}")/nss-store.sh"
exec tstclnt -d "sql:$store" -n leaf -h "$host" -p "$port" -a service.example -V tls1.3:tls1.3 -b < <(sleep 5)
