/** What was to be sent was not taken; the message has no secrets in it. */
export class SendError extends Error {
  override name = 'SendError';
  /** How long the receiver asks to be left alone; 0 where it does not. */
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds = 0) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
