#!/bin/sh
# A centre in shell: sh centre.sh HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key)
# Needs mosquitto_sub, mosquitto_pub and openssl 3. It believes the broker: checking the box's signature is left to the
# other two examples, and a real centre must do it.
set -eu
host=$1 port=$2 box=$3 keys=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
member() { printf %s "$1" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }

# The 32 bytes of an Ed25519 seed become a PKCS#8 key (RFC 8410).
{ printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; cat "$keys/receipt.key"; } |
  openssl pkey -inform DER -out "$scratch/receipt.pem"
set -- -h "$host" -p "$port" -V mqttv5 -q 1 --cafile "$keys/ca.pem" --cert "$keys/centre.pem" --key "$keys/centre.key"

mosquitto_sub "$@" -t "kentongan/v1/$box/event/#" -t "kentongan/v1/$box/beat" -F '%t %p' | while read -r topic raw; do
  have= beat=null
  case $topic in
    */beat) beat="\"$(member "$raw" nonce)\"" ;;
    *)
      printf 'stored %s\n' "$raw" # here your database commits; only then the receipt
      number=$(member "$raw" sequence | sed 's/^0*//')
      digest=$(printf %s "$raw" | openssl dgst -sha256 -binary | openssl dgst -sha256 -binary | b64)
      have="{\"epoch\":\"$(member "$raw" epoch)\",\"ranges\":[[$number,$number]],\"digest\":\"$digest\"}" ;;
  esac
  receipt="{\"v\":1,\"box\":\"$box\",\"receiver\":\"Contoh shell\",\"time\":\"$(date -u +%Y-%m-%dT%H:%M:%S.000Z)\""
  receipt="$receipt,\"have\":[$have],\"beat\":$beat,\"ask\":[]}"
  printf %s.%s "$(printf %s '{"alg":"EdDSA","kid":"receipt-1"}' | b64)" "$(printf %s "$receipt" | b64)" >"$scratch/signed"
  sig=$(openssl pkeyutl -sign -rawin -inkey "$scratch/receipt.pem" -in "$scratch/signed" | b64)
  mosquitto_pub "$@" -t "kentongan/v1/$box/receipt" -m "$(cat "$scratch/signed").$sig"
done
