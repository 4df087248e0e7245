#!/bin/sh
# A centre in shell: sh centre.sh HOST PORT BOX KEYS (ca.pem centre.pem centre.key receipt.key box.pub)
# Needs mosquitto_sub, mosquitto_pub and openssl 3. It keeps the bytes as they came: what a box has signed is its event
# without `sig`, letter by letter. A batch is cut where one event ends and the next begins: every event begins so, and no
# string holds a bare quote.
set -eu
host=$1 port=$2 box=$3 keys=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export LC_ALL=C
b64() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
member() { printf %s "$1" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }

# 32 bytes of Ed25519 become a private (PKCS#8) and a public key (SPKI) for openssl: RFC 8410.
{ printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; cat "$keys/receipt.key"; } |
  openssl pkey -inform DER -out "$scratch/receipt.pem"
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$keys/box.pub"; } |
  openssl pkey -pubin -inform DER -pubout -out "$scratch/box.pem"

# The last "sig" is the event's own, and the last "source": members of `data` stand before them.
genuine() {
  printf %s "$1" | sed 's/\(.*\),"sig":"[A-Za-z0-9_-]\{86\}"/\1/' | tr -d '\n' >"$scratch/unsigned"
  printf '%s==' "$(member "$1" sig)" | tr -- '-_' '+/' | openssl base64 -d -A >"$scratch/sig"
  openssl pkeyutl -verify -rawin -pubin -inkey "$scratch/box.pem" -in "$scratch/unsigned" -sigfile "$scratch/sig" >&2
}

set -- -h "$host" -p "$port" -V mqttv5 -q 1 --cafile "$keys/ca.pem" --cert "$keys/centre.pem" --key "$keys/centre.key"
mosquitto_sub "$@" -t "kentongan/v1/$box/event/#" -t "kentongan/v1/$box/beat" -F '%t %p' |
  awk '{ at = index($0, " "); topic = substr($0, 1, at); raw = substr($0, at + 1)
    if (raw ~ /^\[/) { raw = substr(raw, 2, length(raw) - 2); gsub(/},{"bootclock":/, "}\n" topic "{\"bootclock\":", raw) }
    print topic raw; fflush() }' | while read -r topic raw; do
  have='' beat=null
  case $topic in
    */beat) beat="\"$(member "$raw" nonce)\"" source="urn:kentongan:$(member "$raw" box)" ;;
    *) source=$(member "$raw" source) ;;
  esac
  if [ "$source" != "urn:kentongan:$box" ] || ! genuine "$raw" 2>/dev/null; then
    echo refused # not from this box, or not whole: no receipt, and the box says it again
    continue
  fi
  if [ "$beat" = null ]; then
    printf 'stored %s\n' "$raw" # here your database commits; only then the receipt
    number=$(member "$raw" sequence | sed 's/^0*//')
    digest=$(printf %s "$raw" | openssl dgst -sha256 -binary | openssl dgst -sha256 -binary | b64)
    have="{\"epoch\":\"$(member "$raw" epoch)\",\"ranges\":[[$number,$number]],\"digest\":\"$digest\"}"
  fi
  receipt="{\"v\":1,\"box\":\"$box\",\"receiver\":\"Contoh shell\",\"time\":\"$(date -u +%Y-%m-%dT%H:%M:%S.000Z)\""
  receipt="$receipt,\"have\":[$have],\"beat\":$beat,\"ask\":[]}"
  printf %s.%s "$(printf %s '{"alg":"EdDSA","kid":"receipt-1"}' | b64)" "$(printf %s "$receipt" | b64)" >"$scratch/signed"
  sig=$(openssl pkeyutl -sign -rawin -inkey "$scratch/receipt.pem" -in "$scratch/signed" | b64)
  mosquitto_pub "$@" -t "kentongan/v1/$box/receipt" -m "$(cat "$scratch/signed").$sig"
done
