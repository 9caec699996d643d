import { type Act, say, type ZooRequest } from './scripted-http.ts';
import { onWire, type WebAnswer } from './web-answers.ts';

/** Answers as a good mirror does, but for what `change` makes of it. */
export const changed = (change: (answer: WebAnswer, request: ZooRequest) => WebAnswer): Act => {
  return (socket, request) => say(socket, onWire(change(request.answer, request), request.method));
};

export const isOk = ({ status }: WebAnswer) => status === 200;

export const withHeaders = (answer: WebAnswer, headers: WebAnswer['headers']): WebAnswer => ({
  ...answer,
  headers: { ...answer.headers, ...headers },
});

export const withoutLength = (answer: WebAnswer, headers: WebAnswer['headers'] = {}): WebAnswer => {
  const { 'Content-Length': _, ...others } = answer.headers;
  return { ...answer, headers: { ...others, ...headers } };
};
