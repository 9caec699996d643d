import { expect, it } from 'vitest';
import { once, systemNetwork } from './network.ts';

it('addresses need no name server, and localhost none but the machine’s own', async () => {
  const { resolve } = systemNetwork();
  expect(await resolve('127.0.0.1')).toEqual([{ address: '127.0.0.1', family: 4 }]);
  expect(await resolve('[::1]')).toEqual([{ address: '::1', family: 6 }]);
  expect(await resolve('localhost')).toContainEqual({ address: '127.0.0.1', family: 4 });
});

it('a name is asked for once, but again where that failed', async () => {
  let asked = 0;
  const resolve = once(async (host) => {
    asked++;
    if (host === 'flaky.example' && asked === 1) throw new Error('no answer');
    return [{ address: '192.0.2.1', family: 4 }];
  });
  await expect(resolve('flaky.example')).rejects.toThrow('no answer');
  await Promise.all([resolve('flaky.example'), resolve('flaky.example')]);
  expect(asked).toBe(2);
});
