import { testPredictions } from '../predictions.ts';

await testPredictions('2.40.3');
