import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { NO_COMMAND, spawnLeashed } from './leashed.ts';

const env = { PATH: process.env['PATH'] };

async function run(command: string, ...args: string[]) {
  const child = spawnLeashed(command, args, { env, stdout: 1, stderr: 'pipe' });
  const group = child.pid as number;
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, said, group };
}

/** Processes of a group; Linux alone tells. */
function membersOf(group: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [state, , groupOf] = (readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1] as string).split(' ');
      return Number(groupOf) === group && state !== 'Z';
    } catch {
      return false;
    }
  });
}

describe('a command on a leash', () => {
  test('ends as it would without, with its own words, arguments untouched and an empty input', async () => {
    const { code, said } = await run('sh', '-c', 'cat; printf %s "$1" >&2; exit 5', 'sh', '$(touch x) "*"');
    expect([code, said]).toEqual([5, '$(touch x) "*"']);
  });

  test('that is not there is told of', async () => {
    expect((await run('no-such-command-anywhere')).code).toBe(NO_COMMAND);
  });

  test('leaves nobody behind, not even who it has started itself', async () => {
    const { code, group } = await run('sh', '-c', 'sleep 60 >/dev/null 2>&1 & exit 0');
    expect(code).toBe(0);
    await expect.poll(() => membersOf(group), { timeout: 5000 }).toEqual([]);
  });
});
