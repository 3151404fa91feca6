import { testPredictions } from '../predictions.ts';

await testPredictions('2.26.1');
