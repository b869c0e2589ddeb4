import Acquisition
import Testing

struct ReplicationTargetTests {
    @Test(
        "requests count in steps",
        arguments: [
            (Int.min, 0), (-1, 0), (0, 0), (1, 1), (5, 1), (6, 2), (20, 2), (21, 3), (100, 3), (101, 4), (Int.max, 4),
        ])
    func steps(requests: Int, step: Int) {
        #expect(ReplicationTarget.Demand(requests: requests).rawValue == step)
    }

    @Test(
        "the target follows pool, demand and minimum",
        arguments: [
            // pool, requests, minimum, target
            (1, 0, 2, 1), (1, 1000, 2, 1), (2, 0, 2, 2), (3, 0, 2, 2), (3, 1, 2, 3), (3, 1000, 2, 3),
            (8, 0, 2, 2), (9, 0, 2, 3), (9, 3, 2, 5), (12, 0, 2, 4), (12, 6, 2, 8), (12, 21, 2, 10), (12, 101, 2, 12),
            (40, 0, 2, 6), (40, 5, 2, 9), (40, 101, 2, 18), (1000, 0, 2, 10), (1000, 500, 2, 30), (1024, 0, 2, 10),
            (1025, 0, 2, 11), (2, 0, 1, 1), (4, 0, 0, 1), (4, 0, Int.max, 4), (0, 0, 2, 1), (-5, 7, -3, 1),
        ])
    func targets(pool: Int, requests: Int, minimum: Int, target: Int) {
        #expect(
            ReplicationTarget.holders(pool: pool, demand: .init(requests: requests), minimumReplicas: minimum) == target
        )
    }

    @Test func `more nodes or more demand never lower the target, and the pool is its ceiling`() {
        for pool in 1...300 {
            for demand in ReplicationTarget.Demand.allCases {
                let target = ReplicationTarget.holders(pool: pool, demand: demand, minimumReplicas: 2)
                #expect((1...pool).contains(target))
                #expect(target <= ReplicationTarget.holders(pool: pool + 1, demand: demand, minimumReplicas: 2))
                #expect(target <= ReplicationTarget.holders(pool: pool, demand: demand.next, minimumReplicas: 2))
            }
        }
    }
}
