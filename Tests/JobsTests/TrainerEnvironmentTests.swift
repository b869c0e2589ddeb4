import Testing

@testable import Jobs

struct TrainerEnvironmentTests {
    @Test(
        "names stand between commas",
        arguments: [
            ("HF_HOME", ["HF_HOME"]), (" a , B_2*,c\t", ["a", "B_2*", "c"]), ("XSHOAL_A", ["XSHOAL_A"]), ("", nil),
            (" ", nil), ("A,", nil), (",A", nil), ("A,,B", nil), ("A B", nil), ("A=b", nil), ("*", nil), ("A*B", nil),
            ("A**", nil), ("-A", nil), ("é", nil), ("SHOAL_API_KEY", nil), ("SHOAL_*", nil), ("A,SHOAL_B", nil),
        ] as [(String, [String]?)])
    func reads(_ text: String, names: [String]?) {
        #expect(TrainerEnvironment(text)?.more == names)
    }

    @Test("what may hold keys is passed on only where it is named, and the node's own never")
    func passedOn() throws {
        let node = [
            "PATH": "1", "HOME": "2", "LC_ALL": "3", "LC_": "4", "LCX": "5", "CUDA_VISIBLE_DEVICES": "6",
            "HF_TOKEN": "7",
            "HF_HOME": "8", "AWS_SECRET_ACCESS_KEY": "9", "SHOAL_API_KEY": "10", "S": "11", "path": "12",
        ]
        let standard = TrainerEnvironment.standard.passedOn(from: node)
        #expect(standard == ["PATH": "1", "HOME": "2", "LC_ALL": "3", "LC_": "4", "CUDA_VISIBLE_DEVICES": "6"])
        let more = try #require(TrainerEnvironment("HF_HOME, S*")).passedOn(from: node)
        #expect(more == standard.merging(["HF_HOME": "8", "S": "11"]) { $1 })
    }
}
