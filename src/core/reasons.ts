import type { Change } from './diff.ts';
import { shortDigest } from './moved-image.ts';

/** A change in a person's words. */
export function reasonFor(change: Change): string {
  switch (change.kind) {
    case 'added':
      return `service ${change.service} is new`;
    case 'removed':
      return `service ${change.service} is gone`;
    case 'renamed':
      return `service ${change.from} is now called ${change.service}`;
    case 'image':
      return `service ${change.service} has a new image: ${change.from} → ${change.to}`;
    case 'moved':
      return `service ${change.service} has a newer image: ${change.image} (${shortDigest(change.from)} → ${shortDigest(change.to)})`;
    case 'changed':
      return `service ${change.service} changed: ${change.fields.map(fieldName).join(', ')}`;
    case 'contents':
      return change.paths.every((path) => path.startsWith('/'))
        ? `service ${change.service} reads files that changed: ${change.paths.join(', ')}`
        : `service ${change.service} uses what changed: ${change.paths.join(', ')}`;
    case 'resource':
      return `${singular[change.section]} ${change.name} ${happened[change.what]}`;
  }
}

const singular = { networks: 'network', volumes: 'volume', configs: 'config', secrets: 'secret' };
const happened = { added: 'is new', removed: 'is gone', changed: 'changed' };

function fieldName(field: string): string {
  return field.replaceAll('_', ' ');
}
