#!/bin/sh
# Keeps the gateways of creel (10.213.0.0/16) from the host, from private networks and from each other.
set -eu
fence() { iptables -w "$@"; }
fence -N DOCKER-USER 2>/dev/null || :
fence -N CREEL-FENCE-NEXT 2>/dev/null || fence -F CREEL-FENCE-NEXT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
fence -A CREEL-FENCE-NEXT -d 10.213.0.0/16 -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
fence -A CREEL-FENCE-NEXT -m physdev --physdev-is-bridged -j RETURN
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 10.213.0.0/16 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 10.20.0.5/32 -p tcp --dport 5432 -j RETURN
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 10.20.0.5/32 -p udp --dport 5432 -j RETURN
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 10.30.0.0/24 -j RETURN
for resolver in $(awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127[.]/ { print $2 }' /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null | sort -u); do fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d "$resolver" -p udp --dport 53 -j RETURN; fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d "$resolver" -p tcp --dport 53 -j RETURN; done
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 0.0.0.0/8 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 10.0.0.0/8 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 100.64.0.0/10 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 127.0.0.0/8 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 169.254.0.0/16 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 172.16.0.0/12 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 192.0.0.0/24 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 192.168.0.0/16 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 198.18.0.0/15 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 224.0.0.0/4 -j REJECT
fence -A CREEL-FENCE-NEXT -s 10.213.0.0/16 -d 240.0.0.0/4 -j REJECT
fence -A CREEL-FENCE-NEXT -d 10.213.0.0/16 -j DROP
fence -I DOCKER-USER 1 -j CREEL-FENCE-NEXT
while fence -C DOCKER-USER -j CREEL-FENCE 2>/dev/null; do fence -D DOCKER-USER -j CREEL-FENCE; done
fence -F CREEL-FENCE 2>/dev/null && fence -X CREEL-FENCE
fence -E CREEL-FENCE-NEXT CREEL-FENCE
fence -N INPUT 2>/dev/null || :
fence -N CREEL-FENCE-HOST-NEXT 2>/dev/null || fence -F CREEL-FENCE-HOST-NEXT
fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -d 10.20.0.5/32 -p tcp --dport 5432 -j RETURN
fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -d 10.20.0.5/32 -p udp --dport 5432 -j RETURN
for resolver in $(awk '$1 == "nameserver" && $2 ~ /^[0-9.]+$/ && $2 !~ /^127[.]/ { print $2 }' /etc/resolv.conf /run/systemd/resolve/resolv.conf 2>/dev/null | sort -u); do fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -d "$resolver" -p udp --dport 53 -j RETURN; fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -d "$resolver" -p tcp --dport 53 -j RETURN; done
fence -A CREEL-FENCE-HOST-NEXT -s 10.213.0.0/16 -j REJECT
fence -I INPUT 1 -j CREEL-FENCE-HOST-NEXT
while fence -C INPUT -j CREEL-FENCE-HOST 2>/dev/null; do fence -D INPUT -j CREEL-FENCE-HOST; done
fence -F CREEL-FENCE-HOST 2>/dev/null && fence -X CREEL-FENCE-HOST
fence -E CREEL-FENCE-HOST-NEXT CREEL-FENCE-HOST
fence -t raw -C PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP 2>/dev/null || fence -t raw -I PREROUTING ! -i lo -d 127.0.0.0/8 -j DROP
