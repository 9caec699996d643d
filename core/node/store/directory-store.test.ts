import { chmodSync } from 'node:fs';
import { storeSuite } from '../../../test/suites/store.ts';
import { directoryStore } from './directory-store.ts';

storeSuite({
  name: 'directory',
  open: directoryStore,
  withoutRights: async (folder, work) => {
    chmodSync(folder, 0o555);
    const isRoot = process.getuid?.() === 0;
    // Nobody.
    if (isRoot) process.seteuid?.(65534);
    try {
      await work(directoryStore(folder));
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder, 0o755);
    }
  },
});
