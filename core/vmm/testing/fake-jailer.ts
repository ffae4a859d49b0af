import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The path of a program that is called as Firecracker's jailer is, and confines nothing: anyone may run it. */
export function writeFakeJailer(dir: string): string {
  const path = join(dir, 'jailer');
  writeFileSync(path, program, { mode: 0o755 });
  return path;
}

const program = `#!/bin/sh
while [ "$1" != -- ]; do
  case "$1" in
    --id) id=$2 ;;
    --exec-file) file=$2 ;;
    --chroot-base-dir) base=$2 ;;
  esac
  shift 2
done
shift
cd "$base/\${file##*/}/$id/root" || exit 1
exec "$file" --id "$id" "$@"
`;
