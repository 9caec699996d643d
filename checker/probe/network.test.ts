import { expect, it } from 'vitest';
import { type Names, once, resolveHost, systemNetwork } from './network.ts';

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

it('DNS is asked for both families; what it does not know for certain the system is asked for', async () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  const four = async () => ['192.0.2.1', '192.0.2.2'];
  const six = async () => ['2001:db8::1'];
  const lookup = async () => [{ address: '198.51.100.1', family: 4 }];
  const told = async (host: string, names: Partial<Names>) => {
    const found = await resolveHost(host, { resolve4: four, resolve6: six, lookup, ...names });
    return found.map(({ address, family }) => `${family} ${address}`);
  };
  expect(await told('m.example', {})).toEqual(['4 192.0.2.1', '4 192.0.2.2', '6 2001:db8::1']);
  expect(await told('m.example', { resolve6: failing('ENODATA') })).toEqual(['4 192.0.2.1', '4 192.0.2.2']);
  expect(await told('m.example', { resolve4: failing('ENOTFOUND') })).toEqual(['6 2001:db8::1']);
  const system = ['4 198.51.100.1'];
  expect(await told('m.example', { resolve6: failing('ESERVFAIL') })).toEqual(system);
  expect(await told('m.example', { resolve4: failing('ENODATA'), resolve6: failing('ENODATA') })).toEqual(system);
  expect(await told('mirror', {})).toEqual(system);
  expect(await told('a.localhost', {})).toEqual(system);
  await expect(told('mirror', { lookup: failing('ENOTFOUND') })).rejects.toMatchObject({ code: 'ENOTFOUND' });
});
