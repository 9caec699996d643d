/**
 * undici's client and connector, and no more of it: its index loads fetch, WebSocket, mocks, caches and Node's own copy of
 * undici besides, which cost each check 55 ms and 10 MB (`npm run bench -- pass`).
 */
export type { Dispatcher } from 'undici';
export { default as undiciConnector } from 'undici/lib/core/connect.js';
export { default as Client } from 'undici/lib/dispatcher/client.js';
