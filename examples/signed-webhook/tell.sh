#!/bin/sh
# Tells `creel serve` how a subscription stands: tell.sh SUBSCRIPTION active|past\ due|ended [PLAN]
# CREEL_BILLING_SECRET is the secret (whsec_…) with which it is signed, CREEL_FRONT the address of the front door.
# Whatever is not acknowledged is told again, with the same id and the same time: it counts once.
set -eu
secret=${CREEL_BILLING_SECRET:?is the secret that creel serve has in CREEL_BILLING_SECRETS}
front=${CREEL_FRONT:-http://127.0.0.1:8088}
plan=${3:+,\"plan\":\"$3\"}
body=$(printf '{"subscription":"%s","standing":"%s","at":"%s"%s}' "$1" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${plan:-}")
id=msg_$(openssl rand -hex 12)
now=$(date +%s)
key=$(printf %s "${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
# Who may see the processes of this machine sees the key for a moment: a program that signs by a library is better.
signature=$(printf '%s.%s.%s' "$id" "$now" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
exec curl --fail-with-body --silent --show-error --retry 6 --max-time 20 "$front/billing" \
  -H "webhook-id: $id" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" \
  -H 'content-type: application/json' --data-raw "$body"
