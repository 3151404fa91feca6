import type { Service } from './compose-model.ts';

/** What is done to a service when files that it reads changed, and nothing else. */
export type OnFileChange =
  | { readonly do: 'recreate' }
  | { readonly do: 'restart' }
  | { readonly do: 'signal'; readonly signal: string }
  | { readonly do: 'ignore' };

/** The label by which a service says so. */
export const ON_FILE_CHANGE = 'orchestrator-update.on-file-change';

/** What a service's label asks for; `recreate` without one, undefined where it makes no sense. */
export function onFileChange(service: Service): OnFileChange | undefined {
  const labels = (service['labels'] ?? {}) as Readonly<Record<string, string>>;
  const said = labels[ON_FILE_CHANGE] ?? 'recreate';
  if (said === 'recreate' || said === 'restart' || said === 'ignore') return { do: said };
  const signal = /^signal:(?:SIG)?([A-Z][A-Z0-9+-]*|[1-9]\d?)$/.exec(said)?.[1];
  return signal === undefined ? undefined : { do: 'signal', signal };
}
