export { type NjsOptions, runNjs } from '../../edge-shim/run-njs.ts';
