#!/bin/sh
set -eu
fence() { iptables -w "$@"; }
while fence -C DOCKER-USER -j CREEL-FENCE 2>/dev/null; do fence -D DOCKER-USER -j CREEL-FENCE; done
fence -F CREEL-FENCE 2>/dev/null || :
fence -X CREEL-FENCE 2>/dev/null || :
while fence -C INPUT -j CREEL-FENCE-HOST 2>/dev/null; do fence -D INPUT -j CREEL-FENCE-HOST; done
fence -F CREEL-FENCE-HOST 2>/dev/null || :
fence -X CREEL-FENCE-HOST 2>/dev/null || :
while fence -t raw -C PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP 2>/dev/null; do fence -t raw -D PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP; done
