/** npm systemd-notify 1.0.0 has no types of its own. It rejects with a string, not an Error. */
declare module 'systemd-notify' {
  export default function notify(options: {
    ready?: boolean;
    status?: string;
    pid?: number;
  }): Promise<unknown>;
}
