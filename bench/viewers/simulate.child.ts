import { simulate, type Task } from './simulate.ts';

process.once('message', (task: Task) => {
  process.send?.(simulate(task), () => process.disconnect());
});
