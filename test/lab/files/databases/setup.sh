#!/bin/bash
# Runs in a chroot of the tree that becomes the databases' image, after the packages are in.
set -eu

# The core packages bring programs, not users.
id mysql >/dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir /var/lib/mysql mysql

# A package that no longer makes its user is noticed here, not in a test.
id postgres mysql redis

rm -rf /var/lib/postgresql /var/lib/mysql /var/lib/redis
for directory in postgresql/data mysql redis sqlite; do install -d "/var/lib/$directory"; done

# What no database needs: most of the size. LLVM is for the just-in-time compiler of PostgreSQL, which is off.
rm -rf /usr/share/{doc,man,locale,i18n,info,perl,perl5,bash-completion,lintian} /usr/share/postgresql/17/man
rm -rf /usr/lib/*-linux-gnu/{libLLVM*,libz3*,libperl*,libapt*,perl,perl-base,gconv} /usr/lib/llvm-19 /usr/lib/postgresql/17/lib/{llvmjit*,bitcode}
rm -rf /var/lib/{apt,dpkg} /var/cache/* /var/log/* /usr/lib/apt /usr/bin/{perl*,sqv,apt*,innochecksum,innotop,mytop,perror,replace,resolve_stack_dump}
rm -rf /etc/mysql /usr/bin/mariadb-{access,binlog,conv*,fix*,hotcopy,import,plugin,show,slap,tzinfo*,upgrade,waitpid}
