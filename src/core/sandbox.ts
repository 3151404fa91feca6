const HIDDEN = /^\/(home|root|run\/user|tmp|var\/tmp|dev|proc|sys)(\/|$)/;

/** Whether the sandbox of the service does not show a path as it is (`ProtectHome`, `PrivateTmp` …). */
export const isHiddenFromService = (path: string): boolean => HIDDEN.test(path);
