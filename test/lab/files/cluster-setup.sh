#!/bin/bash
# cluster-setup.sh LAYOUT BASE_URL: as geo, clone the cluster of a layout and start it. The .env file is untracked and ignored.
set -eu
layout=$1 base=$2
cd /home/geo
case $layout in
own)
  mkdir operation
  git clone -q --recurse-submodules -b embody-alpha "$base/autonomy.git" operation/autonomy
  ;;
*) git clone -q --recurse-submodules -b embody-alpha "$base/operation.git" operation ;;
esac
cd operation/autonomy
(umask 077 && echo GREETING=hello >.env)
docker compose up -d --wait --quiet-pull
