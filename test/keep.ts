import { onTestFinished } from 'vitest';

/** Closes a resource when the test has finished in which it is started: of several, the last one first. */
export function keep<T extends { close(): void | Promise<void> }>(resource: T): T {
  onTestFinished(async () => {
    await resource.close();
  });
  return resource;
}
