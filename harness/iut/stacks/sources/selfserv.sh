#!/usr/bin/env bash
# NSS as a server. Arguments: scratch port leaf key roots.
set -euo pipefail
store="$1/nss-server"; port=$2 leaf=$3 key=$4 roots=$5
source "$(dirname "${BASH_SOURCE[0]}")/nss-store.sh"
exec selfserv -d "sql:$store" -n leaf -p "$port" -rr -V tls1.3:tls1.3 -H 1
