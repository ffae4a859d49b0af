// The archive of an image with one static program, as `ctr images import` reads it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Writes an archive; the program lies at its root under its own name. Errors: throws with tar's output. */
export function writeImageArchive(path, { name, programPath, user = '' }) {
  const dir = mkdtempSync(`${path}-`);
  const tar = (...args) => {
    const { status, stderr } = spawnSync('tar', ['--owner=0', '--group=0', ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tar ${args.join(' ')}: ${stderr}`);
  };
  try {
    const program = basename(programPath);
    mkdirSync(join(dir, 'root'));
    copyFileSync(programPath, join(dir, 'root', program));
    tar('-C', join(dir, 'root'), '-cf', join(dir, 'layer.tar'), program);
    const digest = createHash('sha256')
      .update(readFileSync(join(dir, 'layer.tar')))
      .digest('hex');
    const config = {
      architecture: 'amd64',
      os: 'linux',
      config: { Entrypoint: [`/${program}`], User: user },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    };
    writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
    const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
    writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
    tar('-C', dir, '-cf', path, 'manifest.json', 'config.json', 'layer.tar');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
