/** What was to be sent was not taken; the message has no secrets in it. */
export class SendError extends Error {
  override name = 'SendError';
  /** How long the receiver asks to be left alone; 0 where it does not. */
  readonly retryAfterSeconds: number;
  /** The receiver has answered that it does not want this: what else it is sent may fare better. */
  readonly isRefused: boolean;

  constructor(message: string, { retryAfterSeconds = 0, isRefused = false } = {}) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
    this.isRefused = isRefused;
  }
}
