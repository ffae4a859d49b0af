/** Programs for Nanos to run in tests, in C, Go and Rust, and an OCI image of one. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A program whose first argument selects its action. */
export const program = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  printf("hello from C: %s\\n", what);
  fflush(stdout);
  if (strcmp(what, "fail") == 0) return 3;
  if (strcmp(what, "crash") == 0) { volatile int *nothing = 0; *nothing = 1; }
  if (strcmp(what, "count") == 0) {
    FILE *f = fopen("/data/count", "r");
    int count = 0;
    if (f) { fscanf(f, "%d", &count); fclose(f); }
    f = fopen("/data/count", "w");
    fprintf(f, "%d", count + 1);
    fclose(f);
    printf("count %d\\n", count + 1);
  }
  if (strcmp(what, "missing") == 0) fopen("/etc/nothing-here", "r");
  if (strcmp(what, "print") == 0) { fputs(argv[2], stdout); fflush(stdout); sleep(atoi(argv[3])); fputs(argv[4], stdout); }
  if (strcmp(what, "env") == 0) printf("%s\\n", getenv("COLOUR"));
  return 0;
}`;
/** A server that answers HTTP with the requested path. */
export const server = `
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080) };
  bind(s, (struct sockaddr *)&a, sizeof a);
  listen(s, 8);
  for (;;) {
    int c = accept(s, 0, 0);
    char line[2048] = {0}, path[512] = "";
    read(c, line, sizeof line - 1);
    sscanf(line, "%*s %500s", path);
    char body[600], head[200];
    int n = snprintf(body, sizeof body, "{\\"path\\":\\"%s\\"}", path);
    int h = snprintf(head, sizeof head, "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n", n);
    write(c, head, h);
    write(c, body, n);
    close(c);
  }
}`;
const goServer = `package main
import ("fmt"; "net/http")
func main() {
  http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.Path) })
  http.ListenAndServe(":8080", nil)
}`;
const rustServer = `use std::io::{Read, Write};
fn main() {
  for client in std::net::TcpListener::bind("0.0.0.0:8080").unwrap().incoming() {
    let mut client = client.unwrap();
    let mut bytes = [0; 2048];
    let read = client.read(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..read]).to_string();
    let body = format!("hello {}", text.split(' ').nth(1).unwrap_or(""));
    let head = "HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\nConnection: close";
    let _ = write!(client, "{}\\r\\nContent-Length: {}\\r\\n\\r\\n{}", head, body.len(), body);
  }
}`;
const runTool = promisify(execFile);

/** The compiler for a static server in another language; null when there is none. */
export function findCompiler(): { readonly name: string; readonly build: (path: string) => Promise<unknown> } | null {
  const has = (tool: string, arg: string) => spawnSync(tool, [arg], { stdio: 'ignore' }).status === 0;
  if (has('go', 'version')) {
    return {
      name: 'Go',
      build: async (path) => {
        writeFileSync(`${path}.go`, goServer);
        // With the user's own cache: without one, Go compiles its library of HTTP anew, which is minutes of a busy machine.
        const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' };
        await runTool('go', ['build', '-o', path, `${path}.go`], { cwd: dirname(path), env });
      },
    };
  }
  if (has('rustc', '--version')) {
    return {
      name: 'Rust',
      build: async (path) => {
        writeFileSync(`${path}.rs`, rustServer);
        await runTool('rustc', ['-O', '-C', 'target-feature=+crt-static', '-o', path, `${path}.rs`]);
      },
    };
  }
  return null;
}

/** An OCI layout with one layer, which has only a program. */
export function writeOciLayout(dir: string, binary: string, command: readonly string[]): void {
  const rootfs = join(dir, '..', 'rootfs');
  mkdirSync(join(rootfs, 'bin'), { recursive: true });
  copyFileSync(binary, join(rootfs, 'bin', 'tool'));
  mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true });
  const layer = execFileSync('tar', ['-C', rootfs, '-c', 'bin'], { maxBuffer: 64 << 20 });
  const blob = (data: Buffer | string) => {
    const digest = createHash('sha256').update(data).digest('hex');
    writeFileSync(join(dir, 'blobs', 'sha256', digest), data);
    return { digest: `sha256:${digest}`, size: Buffer.byteLength(data) };
  };
  const oci = 'application/vnd.oci.image';
  const layers = [{ mediaType: `${oci}.layer.v1.tar`, ...blob(layer) }];
  const config = blob(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Entrypoint: [command[0]], Cmd: command.slice(1) },
      rootfs: { type: 'layers', diff_ids: [layers[0]?.digest] },
    }),
  );
  const body = { schemaVersion: 2, config: { mediaType: `${oci}.config.v1+json`, ...config }, layers };
  const manifest = { mediaType: `${oci}.manifest.v1+json`, ...blob(JSON.stringify(body)) };
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
}
