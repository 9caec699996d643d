import type { ObjectPath } from './path.ts';

/** The path of the directory that holds `path`; '' (the root) for names without a slash. */
export function directoryOf(path: ObjectPath): ObjectPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/**
 * As `directoryOf`, for many paths in turn: where one lies in the same directory as the one before, as most do, it
 * answers the same string again, whose hash is known.
 */
export function directoriesInTurn(): (path: ObjectPath) => ObjectPath {
  let last = '';
  return (path) => {
    if (path.lastIndexOf('/') !== last.length || !path.startsWith(last)) last = directoryOf(path);
    return last;
  };
}
