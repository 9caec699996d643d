import { expect, test } from 'vitest';
import { checkByDirectory, type DirectoryLister } from './directory-walk.ts';
import type { Method } from './methods/contract.ts';
import { rsync } from './methods/rsync.ts';
import { HostBudgets } from './net/host-budget.ts';
import { collect } from './testing/collect.ts';
import { testInventory } from './testing/inventory.ts';

const broken = () => Promise.reject(new Error('the disk is full'));

const lister: DirectoryLister = {
  atOnce: 1,
  cost: { requests: 0, connections: 0, bytes: 0 },
  refusal: () => '',
  read: broken,
  doubt: () => '',
  stop: () => {},
};
const byDirectory: Method = {
  ...{ name: 'sftp', scope: 'directory', protocols: ['sftp'] },
  check: (task) => checkByDirectory(task, lister, task.hosts.of(task.accessPoint.url)),
};

test.each([
  ['by directory', byDirectory, 'sftp://127.0.0.1/'],
  ['of the whole tree', rsync, 'rsync://127.0.0.1:9/m/'],
] as const)('a check %s that ends with an error of ours gives back its connection', async (_, method, url) => {
  const budget = new HostBudgets().of(url);
  const begun = { read: broken, drop: () => {} };
  const checked = collect(method, testInventory([{ path: '' }]), url, { budget, begun });
  await expect(checked).rejects.toThrow('the disk is full');
  expect(await budget.reserve(budget.connections, new AbortController().signal)).toBe(budget.connections);
});
