# Fills the certificate store of NSS, once: $store from $leaf, $key and $roots.
if [ ! -e "$store/ready" ]; then
  rm -rf "$store"; mkdir -p "$store"
  certutil -N -d "sql:$store" --empty-password
  openssl pkcs12 -export -in "$leaf" -inkey "$key" -name leaf -passout pass: -out "$store/leaf.p12"
  pk12util -d "sql:$store" -i "$store/leaf.p12" -W "" > /dev/null
  certutil -A -d "sql:$store" -n root -t "CT,C,C" -i "$roots"
  touch "$store/ready"
fi
