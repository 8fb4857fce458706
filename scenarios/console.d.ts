/** What k6 has of `console`; its types leave it to the DOM library, most of which k6 does not have. */
declare const console: {
  log(message: string): void;
  warn(message: string): void;
  error(message: string): void;
};
