/** The helper module of cloudfront-js-2.0, as far as it is used. */
declare module 'cloudfront' {
  const cf: { kvs(): { get(key: string): Promise<string> } };
  export default cf;
}
